output "public_url" {
  description = "The URL that hosts deliver to: the controller's `TIDEGATE_PUBLIC_URL`."
  value       = local.public_url
}

output "controller_settings" {
  description = "The controller's settings for these resources, as environment variables."
  value = {
    AWS_REGION                             = local.region
    TIDEGATE_COMMAND_QUEUE_URL             = aws_sqs_queue.this["shared-commands"].id
    TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead["shared-commands"].id
    TIDEGATE_MASTER_KEY_SECRET             = aws_secretsmanager_secret.master_keys.name
    TIDEGATE_PUBLIC_URL                    = local.public_url
    TIDEGATE_PLUGIN_QUEUES                 = jsonencode(local.plugin_queues)
  }
}

output "plugin_queues" {
  description = "The command queues of third-party plugins, and each plugin's intentions: the chart's `settings.pluginQueues`."
  value       = local.plugin_queues
}

output "controller_policy_arn" {
  description = "The IAM policy with all rights of the controller."
  value       = aws_iam_policy.controller.arn
}

output "controller_role_arn" {
  description = "The controller's role; null unless `controller_irsa` or `controller_pod_identity` is set. For IRSA it goes into the ServiceAccount's annotation `eks.amazonaws.com/role-arn`."
  value       = one(aws_iam_role.controller[*].arn)
}

output "master_key_secret" {
  description = "The name of the secret that holds the webhook master keys. It is empty until you put the first key in."
  value       = aws_secretsmanager_secret.master_keys.name
}

output "queue_urls" {
  description = "Every queue's URL: `<plugin>-events`, `shared-commands`, and `<plugin>-commands` of third-party plugins."
  value       = { for key, queue in aws_sqs_queue.this : key => queue.id }
}

output "dead_letter_queue_urls" {
  description = "Every dead-letter queue's URL, by the same names."
  value       = { for key, queue in aws_sqs_queue.dead : key => queue.id }
}

output "function_names" {
  description = "The functions' names."
  value       = { for key, function in aws_lambda_function.this : key => function.function_name }
}

output "api_id" {
  description = "The HTTP API's id; null with a function URL."
  value       = one(aws_apigatewayv2_api.this[*].id)
}

output "domain_target" {
  description = "The target of the record of `domain`: name and Route 53 zone id; null without a domain and firewall."
  value       = local.domain_target
}
