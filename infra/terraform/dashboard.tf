# One page: what comes in, what waits, what fails.

locals {
  widget = { type = "metric", width = 12, height = 6 }
  graph  = { region = local.region, view = "timeSeries", period = 60, stat = "Sum" }

  api_id = one(aws_apigatewayv2_api.this[*].id)
  intake = {
    api_gateway = [
      { title = "Deliveries", metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", local.api_id]] },
      { title = "Time to answer, ms", metrics = [for stat in ["p50", "p99"] : ["AWS/ApiGateway", "Latency", "ApiId", local.api_id, { stat = stat }]] },
    ]
    function_url = [
      { title = "Deliveries", metrics = [for metric in ["UrlRequestCount", "Url4xxCount", "Url5xxCount"] : ["AWS/Lambda", metric, "FunctionName", "${var.name}-webhook"]] },
    ]
  }

  widgets = concat(
    local.intake[var.endpoint],
    [
      { title = "Bad signatures, and what was throttled or refused", metrics = [for metric in concat(["BadSignatures"], [for refusal in local.refusals : refusal.metric]) : [local.metrics, metric]] },
      { title = "Messages that wait", metrics = [for queue in local.queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name, { stat = "Maximum" }]] },
      { title = "Age of the oldest message, s", metrics = [for queue in local.queues : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue.name, { stat = "Maximum" }]] },
      { title = "Dead letters", metrics = [for queue in local.queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${queue.name}-dead", { stat = "Maximum" }]] },
      { title = "Functions: errors and throttles", metrics = [for pair in setproduct(keys(local.functions), ["Errors", "Throttles"]) : ["AWS/Lambda", pair[1], "FunctionName", "${var.name}-${pair[0]}"]] },
      { title = "Functions: duration p99, ms", metrics = [for name in keys(local.functions) : ["AWS/Lambda", "Duration", "FunctionName", "${var.name}-${name}", { stat = "p99" }]] },
    ],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard ? 1 : 0

  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for index, widget in local.widgets : merge(local.widget, {
      x          = 12 * (index % 2)
      y          = 6 * floor(index / 2)
      properties = merge(local.graph, widget)
    })]
  })
}
