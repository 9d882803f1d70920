# A role for each function, with exactly the rights that it needs: its log, its queues, and for the webhook function the
# secret.

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each = toset(concat(["webhook"], keys(local.plugins)))

  name               = "${var.name}-${each.key}"
  description        = "Of Tidegate's function ${each.key}."
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

data "aws_iam_policy_document" "webhook" {
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function["webhook"].arn}:*"]
  }
  statement {
    sid       = "SendEvents"
    actions   = ["sqs:SendMessage"]
    resources = [for name in keys(local.plugins) : aws_sqs_queue.this["${name}-events"].arn]
  }
  statement {
    sid       = "ReadMasterKeys"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.master_keys.arn]
  }
}

data "aws_iam_policy_document" "plugin" {
  for_each = local.plugins

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
  }
  statement {
    sid       = "ReceiveEvents"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [aws_sqs_queue.this["${each.key}-events"].arn]
  }
  statement {
    sid       = "SendCommands"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.this["${each.value.commands}-commands"].arn]
  }
}

resource "aws_iam_role_policy" "function" {
  for_each = aws_iam_role.function

  name   = "rights"
  role   = each.value.id
  policy = each.key == "webhook" ? data.aws_iam_policy_document.webhook.json : data.aws_iam_policy_document.plugin[each.key].json
}
