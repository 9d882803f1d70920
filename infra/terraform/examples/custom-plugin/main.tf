# Your own plugin besides Tidegate's: one more entry, nothing else changes. Its commands go to a queue that accepts
# messages only from its function.

variable "packages_dir" {
  description = "The folder with webhook.zip, integrator.zip and chatops.zip."
  type        = string
}

variable "architecture" {
  description = "What all packages were built for."
  type        = string
  default     = "arm64"
}

variable "plugin_package" {
  description = "The zip of your plugin: one executable called bootstrap, made with the crate functions/plugin or in any language."
  type        = string
}

module "tidegate" {
  source = "../.."

  packages_dir = var.packages_dir
  architecture = var.architecture

  plugins = {
    audit = {
      package = var.plugin_package
      events  = ["push"]
      # The commands that the controller accepts from its queue; all others go to its dead-letter queue.
      intentions  = ["run_push"]
      environment = { AUDIT_LEVEL = "all" }
      # Seconds that a batch may take; a failed batch is delivered again after six times as many.
      timeout_s = 2
    }
  }
}

output "controller_settings" {
  description = "Environment variables for the controller."
  value       = module.tidegate.controller_settings
}

output "plugin_queues" {
  description = "The chart's settings.pluginQueues."
  value       = module.tidegate.plugin_queues
}

output "queue_urls" {
  description = "All queues; the plugin's commands are in audit-commands."
  value       = module.tidegate.queue_urls
}

output "dead_letter_queue_urls" {
  description = "All dead-letter queues."
  value       = module.tidegate.dead_letter_queue_urls
}

output "function_names" {
  description = "All functions."
  value       = module.tidegate.function_names
}

output "api_id" {
  description = "The API's id."
  value       = module.tidegate.api_id
}
