# The functions, their logs, and the event sources of the plugins.

locals {
  functions = merge(
    { webhook = merge(var.functions.webhook, {
      package = local.package["webhook"]
      environment = merge(local.origin, {
        TIDEGATE_MASTER_KEY_SECRET = aws_secretsmanager_secret.master_keys.name
        TIDEGATE_ROUTES = jsonencode([for name, plugin in local.plugins : {
          plugin = name, queueUrl = aws_sqs_queue.this["${name}-events"].id, events = plugin.events
        }])
      })
    }) },
    { for name, plugin in local.plugins : name => merge(plugin, {
      environment = merge(plugin.environment, {
        TIDEGATE_COMMAND_QUEUE_URL = aws_sqs_queue.this["${plugin.commands}-commands"].id
      })
    }) },
  )
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = toset(concat(["webhook"], keys(local.plugins)))

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name                  = "${var.name}-${each.key}"
  description                    = each.key == "webhook" ? "Tidegate: verifies webhooks and sends their events to the plugins." : "Tidegate: the plugin ${each.key}."
  role                           = aws_iam_role.function[each.key].arn
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  filename                       = each.value.package
  source_code_hash               = filebase64sha256(each.value.package)
  memory_size                    = each.value.memory_mb
  timeout                        = each.value.timeout_s
  reserved_concurrent_executions = each.value.reserved_concurrency

  environment {
    variables = merge(each.value.environment, { TIDEGATE_LOG = var.log_level })
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tags       = var.tags
  depends_on = [aws_iam_role_policy.function]
}

resource "aws_lambda_event_source_mapping" "plugin" {
  for_each = local.plugins

  function_name                      = aws_lambda_function.this[each.key].arn
  event_source_arn                   = aws_sqs_queue.this["${each.key}-events"].arn
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batch_window_s
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = each.value.maximum_concurrency
  }

  tags = var.tags
}
