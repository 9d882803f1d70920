# A production installation on EKS: its own domain behind a firewall, alarms by e-mail, the controller's role by
# EKS Pod Identity, limits because others share the account.

variable "packages_dir" {
  description = "The folder with webhook.zip, integrator.zip and chatops.zip."
  type        = string
}

variable "certificate_arn" {
  description = "An ACM certificate of us-east-1 for hooks.example.com."
  type        = string
}

variable "zone_id" {
  description = "The Route 53 zone of example.com."
  type        = string
}

variable "operator_role_arns" {
  description = "Who may replay dead letters."
  type        = list(string)
}

resource "aws_sns_topic" "alarms" {
  name              = "tidegate-alarms"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = "platform@example.com"
}

# Blocks floods by address. CloudFront requires it in us-east-1.
provider "aws" {
  alias  = "global"
  region = "us-east-1"
}

module "firewall" {
  source    = "../../firewall"
  providers = { aws = aws.global }

  requests_per_5_min = 3000
}

variable "origin_secrets" {
  description = "What CloudFront proves itself by to the webhook function."
  type        = list(string)
  sensitive   = true
}

module "tidegate" {
  source = "../.."

  packages_dir = var.packages_dir

  functions = {
    webhook    = { memory_mb = 512, reserved_concurrency = 100 }
    integrator = { reserved_concurrency = 20, maximum_concurrency = 20 }
    chatops    = { batch_window_s = 1 }
  }
  throttle     = { rate = 500, burst = 1000 }
  app_throttle = { rate = 300, burst = 600 }

  domain = {
    name            = "hooks.example.com"
    certificate_arn = var.certificate_arn
    zone_id         = var.zone_id
  }
  web_acl_arn    = module.firewall.web_acl_arn
  origin_secrets = var.origin_secrets

  controller_pod_identity = { cluster_name = "production" }
  operator_role_arns      = var.operator_role_arns

  log_retention_days = 90
  alarms             = { actions = [aws_sns_topic.alarms.arn], command_age_s = 600 }
  tags               = { service = "tidegate", stage = "production" }
}

output "controller_settings" {
  description = "Environment variables for the controller."
  value       = module.tidegate.controller_settings
}
