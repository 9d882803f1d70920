# What the inputs refuse, and what the switches make. Nothing is applied, and no cloud is asked.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  # The packages are only read.
  packages_dir = "tests/packages"
}

run "defaults" {
  command = plan
  assert {
    condition     = aws_lambda_function.this["webhook"].architectures == tolist(["arm64"])
    error_message = "Functions are for arm64 by default."
  }
  assert {
    condition     = alltrue([for key, mapping in aws_lambda_event_source_mapping.plugin : aws_sqs_queue.this["${key}-events"].visibility_timeout_seconds >= 6 * aws_lambda_function.this[key].timeout])
    error_message = "A queue's visibility is at least six times its function's timeout."
  }
  assert {
    condition     = length(aws_apigatewayv2_api.this) == 1 && length(aws_lambda_function_url.webhook) == 0 && length(aws_cloudfront_distribution.this) == 0 && length(aws_iam_role.controller) == 0
    error_message = "Switches are off by default."
  }
}

run "function_url" {
  command = plan
  variables {
    endpoint = "function_url"
  }
  assert {
    condition     = length(aws_lambda_function_url.webhook) == 1 && length(aws_apigatewayv2_api.this) == 0 && length(aws_lambda_permission.api) == 0
    error_message = "A function URL takes the API's place."
  }
}

run "domain" {
  command = plan
  variables {
    domain = { name = "hooks.example.com", certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/x", zone_id = "Z1" }
  }
  assert {
    condition     = output.public_url == "https://hooks.example.com" && aws_apigatewayv2_api.this[0].disable_execute_api_endpoint && length(aws_route53_record.this) == 1
    error_message = "The domain is the address, and the API's own is shut."
  }
}

run "firewall" {
  command = plan
  variables {
    web_acl_arn    = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/1"
    origin_secrets = ["new-0123456789abcdef0123456789abcdef", "old-0123456789abcdef0123456789abcdef"]
  }
  assert {
    condition     = one(one(aws_cloudfront_distribution.this[0].origin).custom_header).value == "new-0123456789abcdef0123456789abcdef" && aws_lambda_function.this["webhook"].environment[0].variables["TIDEGATE_ORIGIN_SECRETS"] == "new-0123456789abcdef0123456789abcdef,old-0123456789abcdef0123456789abcdef"
    error_message = "CloudFront sends the first secret, and the function takes both."
  }
  assert {
    condition     = length(aws_cloudfront_distribution.this) == 1 && !aws_apigatewayv2_api.this[0].disable_execute_api_endpoint
    error_message = "CloudFront is in front and reaches the API."
  }
}

run "a_firewall_without_an_origin_secret" {
  command = plan
  variables {
    web_acl_arn = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/1"
  }
  expect_failures = [var.origin_secrets]
}

run "a_short_origin_secret" {
  command = plan
  variables {
    web_acl_arn    = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/1"
    origin_secrets = ["short"]
  }
  expect_failures = [var.origin_secrets]
}

run "two_routes" {
  command = plan
  variables {
    app_throttle = { rate = 7 }
  }
  assert {
    condition     = toset(keys(aws_apigatewayv2_route.webhook)) == toset(["POST /hooks/{proxy+}", "POST /hooks/github-app"])
    error_message = "The App has a route of its own."
  }
  assert {
    condition     = { for s in aws_apigatewayv2_stage.default[0].route_settings : s.route_key => s.throttling_rate_limit } == { "POST /hooks/{proxy+}" = 200, "POST /hooks/github-app" = 7 }
    error_message = "Each route has its own throttle."
  }
}

run "controller_roles" {
  command = plan
  variables {
    controller_irsa         = { oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks", issuer = "oidc.eks" }
    controller_pod_identity = { cluster_name = "production" }
  }
  assert {
    condition     = length(aws_iam_role.controller) == 1 && aws_eks_pod_identity_association.controller[0].service_account == "tidegate-controller"
    error_message = "Both ways of EKS lead to one role."
  }
}

run "plugin_has_its_own_queues" {
  command = plan
  variables {
    plugins = { audit = { package = "tests/packages/webhook.zip", events = ["push"], intentions = ["run_push"] } }
  }
  assert {
    condition     = aws_sqs_queue.this["audit-commands"].name == "tidegate-audit-commands" && aws_sqs_queue.dead["audit-events"].name == "tidegate-audit-events-dead"
    error_message = "A third-party plugin has its own event queue and its own command queue."
  }
}

run "the_controller_is_told_of_plugins" {
  command = plan
  override_resource {
    target          = aws_sqs_queue.this["audit-commands"]
    override_during = plan
    values          = { id = "https://sqs/audit" }
  }
  override_resource {
    target          = aws_sqs_queue.dead["audit-commands"]
    override_during = plan
    values          = { id = "https://sqs/audit-dead" }
  }
  variables {
    plugins = { audit = { package = "tests/packages/webhook.zip", events = ["push"], intentions = ["run_push", "cancel"] } }
  }
  assert {
    condition     = jsonencode(output.plugin_queues) == jsonencode([{ deadLetterQueueUrl = "https://sqs/audit-dead", intentions = ["cancel", "run_push"], plugin = "audit", queueUrl = "https://sqs/audit" }])
    error_message = "The chart's settings.pluginQueues come from the module."
  }
}

run "a_name_with_capitals" {
  command = plan
  variables {
    name = "Tidegate"
  }
  expect_failures = [var.name]
}

run "an_unknown_architecture" {
  command = plan
  variables {
    architecture = "riscv64"
  }
  expect_failures = [var.architecture]
}

run "a_webhook_that_answers_too_late" {
  command = plan
  variables {
    functions = { webhook = { timeout_s = 30 } }
  }
  expect_failures = [var.functions]
}

run "more_at_once_than_reserved" {
  command = plan
  variables {
    functions = { integrator = { reserved_concurrency = 5, maximum_concurrency = 10 } }
  }
  expect_failures = [var.functions]
}

run "an_unknown_event" {
  command = plan
  variables {
    plugins = { audit = { package = "tests/packages/webhook.zip", events = ["issue"], intentions = ["run_push"] } }
  }
  expect_failures = [var.plugins]
}

run "an_unknown_intention" {
  command = plan
  variables {
    plugins = { audit = { package = "tests/packages/webhook.zip", events = ["push"], intentions = ["merge"] } }
  }
  expect_failures = [var.plugins]
}

run "a_plugin_without_intentions" {
  command = plan
  variables {
    plugins = { audit = { package = "tests/packages/webhook.zip", events = ["push"], intentions = [] } }
  }
  expect_failures = [var.plugins]
}

run "a_plugin_that_ends_with_a_hyphen" {
  command = plan
  variables {
    plugins = { audit- = { package = "tests/packages/webhook.zip", events = ["push"], intentions = ["run_push"] } }
  }
  expect_failures = [var.plugins]
}

run "a_plugin_called_like_ours" {
  command = plan
  variables {
    plugins = { chatops = { package = "tests/packages/webhook.zip", events = ["comment"], intentions = ["follow_comment"] } }
  }
  expect_failures = [var.plugins]
}

run "a_domain_for_a_function_url" {
  command = plan
  variables {
    endpoint = "function_url"
    domain   = { name = "hooks.example.com", certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/x" }
  }
  expect_failures = [var.domain]
}

run "a_regional_firewall" {
  command = plan
  variables {
    web_acl_arn = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/x/1"
  }
  expect_failures = [var.web_acl_arn]
}

run "a_retention_that_cloudwatch_does_not_know" {
  command = plan
  variables {
    log_retention_days = 42
  }
  expect_failures = [var.log_retention_days]
}

run "an_issuer_with_a_scheme" {
  command = plan
  variables {
    controller_irsa = { oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks", issuer = "https://oidc.eks" }
  }
  expect_failures = [var.controller_irsa]
}
