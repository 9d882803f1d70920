# Locals that the other files share. Each resource is in the file of its kind.

data "aws_region" "current" {}

locals {
  region = data.aws_region.current.name

  package = { for name in ["webhook", "integrator", "chatops"] : name => coalesce(var.functions[name].package, "${coalesce(var.packages_dir, "-")}/${name}.zip") }

  # Every plugin, ours and third-party, in one shape. `commands` is the command queue it sends to.
  plugins = merge(
    { for name, events in { integrator = ["pull_request", "push"], chatops = ["comment"] } : name => merge(var.functions[name], {
      package = local.package[name], events = events, environment = {}, commands = "shared"
    }) },
    { for name, plugin in var.plugins : name => merge(plugin, { events = sort(plugin.events), commands = name }) },
  )

  # Every command queue and its name: ours, and one for each third-party plugin.
  command_queues = merge(
    { shared = "${var.name}-commands" },
    { for name in keys(var.plugins) : name => "${var.name}-${name}-commands" },
  )

  # The controller's setting for third-party plugins.
  plugin_queues = [for name, plugin in var.plugins : {
    plugin             = name
    queueUrl           = aws_sqs_queue.this["${name}-commands"].id
    deadLetterQueueUrl = aws_sqs_queue.dead["${name}-commands"].id
    intentions         = sort(plugin.intentions)
  }]

  is_api = var.endpoint == "api_gateway"
}
