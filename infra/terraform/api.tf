# The endpoint for hosts: an HTTP API with a route for the hooks of configs and one for the GitHub App, or a function URL.

resource "aws_apigatewayv2_api" "this" {
  count = local.is_api ? 1 : 0

  name                         = var.name
  description                  = "Tidegate's webhooks."
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.domain != null && var.web_acl_arn == null
  tags                         = var.tags
}

resource "aws_apigatewayv2_integration" "webhook" {
  count = local.is_api ? 1 : 0

  api_id                 = aws_apigatewayv2_api.this[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this["webhook"].invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 1000 * (var.functions.webhook.timeout_s + 1)
}

# Each has its own throttle: a flood on the hooks of configs doesn't affect the App's events, and vice versa.
locals {
  routes = local.is_api ? {
    "POST /hooks/{proxy+}"   = var.throttle
    "POST /hooks/github-app" = var.app_throttle
  } : {}
}

resource "aws_apigatewayv2_route" "webhook" {
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.this[0].id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.webhook[0].id}"
}

resource "aws_cloudwatch_log_group" "access" {
  count = local.is_api ? 1 : 0

  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_apigatewayv2_stage" "default" {
  count = local.is_api ? 1 : 0

  api_id      = aws_apigatewayv2_api.this[0].id
  name        = "$default"
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access[0].arn
    format = jsonencode({
      time             = "$context.requestTime"
      requestId        = "$context.requestId"
      ip               = "$context.identity.sourceIp"
      method           = "$context.httpMethod"
      path             = "$context.path"
      route            = "$context.routeKey"
      status           = "$context.status"
      bytes            = "$context.responseLength"
      latencyMs        = "$context.responseLatency"
      integrationError = "$context.integrationErrorMessage"
      error            = "$context.error.message"
    })
  }

  default_route_settings {
    throttling_rate_limit  = var.throttle.rate
    throttling_burst_limit = var.throttle.burst
  }

  dynamic "route_settings" {
    for_each = local.routes
    content {
      route_key              = route_settings.key
      throttling_rate_limit  = route_settings.value.rate
      throttling_burst_limit = route_settings.value.burst
    }
  }

  tags       = var.tags
  depends_on = [aws_apigatewayv2_route.webhook]
}

resource "aws_lambda_permission" "api" {
  count = local.is_api ? 1 : 0

  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this["webhook"].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this[0].execution_arn}/*/POST/hooks/*"
}

# No authorizer: the function verifies each delivery's signature.
resource "aws_lambda_function_url" "webhook" {
  count = local.is_api ? 0 : 1

  function_name      = aws_lambda_function.this["webhook"].function_name
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "url" {
  count = local.is_api ? 0 : 1

  statement_id           = "url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.this["webhook"].function_name
  principal              = "*"
  function_url_auth_type = "NONE"
}

# Since October 2025 AWS also wants lambda:InvokeFunction, bound to calls through the URL. aws_lambda_permission can't express
# that condition before version 6 of the provider, hence Cloud Control.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
resource "aws_cloudcontrolapi_resource" "url_invoke" {
  count = local.is_api ? 0 : 1

  type_name = "AWS::Lambda::Permission"
  desired_state = jsonencode({
    FunctionName          = aws_lambda_function.this["webhook"].function_name
    Action                = "lambda:InvokeFunction"
    Principal             = "*"
    InvokedViaFunctionUrl = true
  })
}
