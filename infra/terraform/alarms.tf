# Alarms. docs/operate.md describes what to do about each.

locals {
  alarmed         = var.alarms.enabled
  metrics         = "Tidegate/${var.name}"
  alarm_functions = local.alarmed ? toset(keys(local.functions)) : []
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = local.alarmed ? local.queues : {}

  alarm_name          = "${each.value.name}-dead"
  alarm_description   = "Messages failed for good: ${each.value.name}-dead is not empty."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead[each.key].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "age" {
  for_each = local.alarmed ? local.queues : {}

  alarm_name          = "${each.value.name}-age"
  alarm_description   = "The oldest message of ${each.value.name} waits too long."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.this[each.key].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  threshold           = endswith(each.key, "-commands") ? var.alarms.command_age_s : var.alarms.event_age_s
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = local.alarm_functions

  alarm_name          = "${var.name}-${each.key}-errors"
  alarm_description   = "The function ${each.key} panicked, timed out or did not start."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.this[each.key].function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each = local.alarm_functions

  alarm_name          = "${var.name}-${each.key}-throttles"
  alarm_description   = "The function ${each.key} reached a concurrency limit."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = aws_lambda_function.this[each.key].function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "server_errors" {
  count = local.alarmed && local.is_api ? 1 : 0

  alarm_name          = "${var.name}-api-5xx"
  alarm_description   = "Hosts got 503 and should deliver again, or the function failed."
  namespace           = "AWS/ApiGateway"
  metric_name         = "5xx"
  dimensions          = { ApiId = aws_apigatewayv2_api.this[0].id }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}

# API Gateway's own metric 4xx includes throttled requests: only the access log distinguishes the two.
locals {
  refusals = local.is_api ? {
    throttled = { metric = "Throttled", pattern = "{ $.status = \"429\" }" }
    refused   = { metric = "Refused", pattern = "{ ($.status = \"4*\") && ($.status != \"429\") }" }
  } : {}
}

resource "aws_cloudwatch_log_metric_filter" "refusals" {
  for_each = local.refusals

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.access[0].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.metrics
    name          = each.value.metric
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "throttled" {
  count = local.alarmed && local.is_api ? 1 : 0

  alarm_name          = "${var.name}-api-429"
  alarm_description   = "Deliveries were throttled. They are lost if the host doesn't repeat them."
  namespace           = local.metrics
  metric_name         = aws_cloudwatch_log_metric_filter.refusals["throttled"].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.alarms.throttled_per_5_min
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "client_errors" {
  count = local.alarmed && local.is_api ? 1 : 0

  alarm_name          = "${var.name}-api-4xx"
  alarm_description   = "Many deliveries are refused: too large, unreadable, or for an unknown hook."
  namespace           = local.metrics
  metric_name         = aws_cloudwatch_log_metric_filter.refusals["refused"].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.alarms.client_errors_per_5_min
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}

# The webhook function logs one line per delivery; its `outcome` distinguishes a bad signature from everything else.
resource "aws_cloudwatch_log_metric_filter" "bad_signatures" {
  name           = "${var.name}-bad-signatures"
  log_group_name = aws_cloudwatch_log_group.function["webhook"].name
  pattern        = "{ $.outcome = \"bad_signature\" }"

  metric_transformation {
    namespace     = local.metrics
    name          = "BadSignatures"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "bad_signatures" {
  count = local.alarmed ? 1 : 0

  alarm_name          = "${var.name}-bad-signatures"
  alarm_description   = "Somebody forges deliveries, or a hook signs with a retired key."
  namespace           = local.metrics
  metric_name         = aws_cloudwatch_log_metric_filter.bad_signatures.metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.alarms.bad_signatures_per_5_min
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.actions
  ok_actions          = var.alarms.actions
  tags                = var.tags
}
