# The minimum: an HTTP API, the three functions, their queues. The controller gets its rights from the policy in
# the outputs, attached to the role that it runs under.

variable "packages_dir" {
  description = "The folder with webhook.zip, integrator.zip and chatops.zip."
  type        = string
}

variable "architecture" {
  description = "What they were built for."
  type        = string
  default     = "arm64"
}

module "tidegate" {
  source = "../.."

  packages_dir = var.packages_dir
  architecture = var.architecture
}

output "controller_settings" {
  description = "Environment variables for the controller."
  value       = module.tidegate.controller_settings
}

output "controller_policy_arn" {
  description = "The policy for the controller's role."
  value       = module.tidegate.controller_policy_arn
}
