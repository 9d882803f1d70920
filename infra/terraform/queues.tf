# Standard queues (ADR 6). Each has a dead-letter queue, is encrypted by SQS, refuses requests without TLS, and accepts
# messages only from the function that sends to it.

locals {
  # visibility: while a function works on a batch, and through Lambda's own retries of it, no other worker receives it.
  # AWS recommends six times the function's timeout plus the batch window.
  # receives: an event that failed five times is broken. The controller itself moves commands that it can't use to the
  # dead-letter queue, and returns waiting ones to the queue; waiting isn't failing, so the limit is high.
  queues = merge(
    { for name, plugin in local.plugins : "${name}-events" => {
      name       = "${var.name}-${name}-events"
      visibility = 6 * plugin.timeout_s + plugin.batch_window_s
      receives   = 5
      senders    = [aws_iam_role.function["webhook"].arn]
    } },
    { for key, name in local.command_queues : "${key}-commands" => {
      name       = name
      visibility = 90
      receives   = 1000
      senders    = [for plugin in keys(local.plugins) : aws_iam_role.function[plugin].arn if local.plugins[plugin].commands == key]
    } },
  )
}

resource "aws_sqs_queue" "dead" {
  for_each = local.queues

  name                      = "${each.value.name}-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue" "this" {
  for_each = local.queues

  name                       = each.value.name
  visibility_timeout_seconds = each.value.visibility
  # Longer than an outage of the cluster over a long weekend.
  message_retention_seconds = 604800
  sqs_managed_sse_enabled   = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = each.value.receives
  })
  tags = var.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  for_each = local.queues

  queue_url = aws_sqs_queue.dead[each.key].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this[each.key].arn]
  })
}

data "aws_iam_policy_document" "queue" {
  for_each = local.queues

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.this[each.key].arn]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "OnlyItsSender"
    effect    = "Deny"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.this[each.key].arn]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = concat(each.value.senders, var.operator_role_arns)
    }
  }
}

data "aws_iam_policy_document" "dead" {
  for_each = local.queues

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.dead[each.key].arn]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "this" {
  for_each = local.queues

  queue_url = aws_sqs_queue.this[each.key].id
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

resource "aws_sqs_queue_policy" "dead" {
  for_each = local.queues

  queue_url = aws_sqs_queue.dead[each.key].id
  policy    = data.aws_iam_policy_document.dead[each.key].json
}
