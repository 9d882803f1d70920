variable "name" {
  description = "Prefix of all resource names."
  type        = string
  default     = "tidegate"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.name))
    error_message = "name: expected 1 to 20 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "packages_dir" {
  description = "The folder of the built functions: `webhook.zip`, `integrator.zip` and `chatops.zip`, each with one `bootstrap`, built for `architecture`. Required unless `functions` names all three packages."
  type        = string
  default     = null
}

variable "architecture" {
  description = "The architecture of the packages: `arm64` or `x86_64`."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: expected arm64 or x86_64."
  }
}

variable "functions" {
  description = "Settings of Tidegate's own functions that differ from the defaults. `package`: a zip's path, default `<packages_dir>/<function>.zip`; `memory_mb`; `timeout_s`; `reserved_concurrency`: -1 for no limit. The two plugins also have `batch_size`, `batch_window_s` and `maximum_concurrency` of their event source."
  type = object({
    webhook = optional(object({
      package              = optional(string)
      memory_mb            = optional(number, 256)
      timeout_s            = optional(number, 10)
      reserved_concurrency = optional(number, -1)
    }), {})
    integrator = optional(object({
      package              = optional(string)
      memory_mb            = optional(number, 128)
      timeout_s            = optional(number, 10)
      reserved_concurrency = optional(number, -1)
      batch_size           = optional(number, 10)
      batch_window_s       = optional(number, 0)
      maximum_concurrency  = optional(number, 10)
    }), {})
    chatops = optional(object({
      package              = optional(string)
      memory_mb            = optional(number, 128)
      timeout_s            = optional(number, 10)
      reserved_concurrency = optional(number, -1)
      batch_size           = optional(number, 10)
      batch_window_s       = optional(number, 0)
      maximum_concurrency  = optional(number, 10)
    }), {})
  })
  default = {}

  validation {
    condition     = alltrue([for f in [var.functions.webhook, var.functions.integrator, var.functions.chatops] : f.package != null || var.packages_dir != null])
    error_message = "functions: set packages_dir, or a package for each of webhook, integrator and chatops."
  }
  validation {
    condition     = alltrue([for f in [var.functions.webhook, var.functions.integrator, var.functions.chatops] : f.memory_mb >= 128 && f.memory_mb <= 10240 && floor(f.memory_mb) == f.memory_mb])
    error_message = "functions: memory_mb is a whole number from 128 to 10240."
  }
  validation {
    condition     = var.functions.webhook.timeout_s >= 4 && var.functions.webhook.timeout_s <= 29
    error_message = "functions.webhook.timeout_s: expected 4 to 29. A delivery may take 3 seconds, and its answer must be sent in time; API Gateway gives up after 30."
  }
  validation {
    condition     = alltrue([for f in [var.functions.integrator, var.functions.chatops] : f.timeout_s >= 1 && f.timeout_s <= 900])
    error_message = "functions: a plugin's timeout_s is from 1 to 900."
  }
  validation {
    condition     = alltrue([for f in [var.functions.webhook, var.functions.integrator, var.functions.chatops] : f.reserved_concurrency == -1 || f.reserved_concurrency >= 1])
    error_message = "functions: reserved_concurrency is -1 (none) or at least 1; with 0 nothing would run."
  }
  validation {
    condition     = alltrue([for f in [var.functions.integrator, var.functions.chatops] : f.batch_size >= 1 && f.batch_size <= 10 && f.batch_window_s >= 0 && f.batch_window_s <= 300])
    error_message = "functions: batch_size is from 1 to 10, batch_window_s from 0 to 300."
  }
  validation {
    condition     = alltrue([for f in [var.functions.integrator, var.functions.chatops] : f.maximum_concurrency >= 2 && f.maximum_concurrency <= 1000 && (f.reserved_concurrency == -1 || f.maximum_concurrency <= f.reserved_concurrency)])
    error_message = "functions: maximum_concurrency is from 2 to 1000, and not above reserved_concurrency: Lambda would throttle messages from SQS, and SQS would count that as failed receives."
  }
}

variable "plugins" {
  description = "Third-party plugins, by name. Each gets a function, an event queue, and its own command queue, which accepts messages only from its function: the queue is the plugin's identity. `package`: the zip's path; `events`: `pull_request`, `push`, `comment`; `intentions`: the commands that the controller accepts from it, `run_pull_request`, `run_push`, `record_ref`, `cancel`, `follow_comment`, `follow_commit_comment`; `environment`: variables for the function; the rest as in `functions`."
  type = map(object({
    package              = string
    events               = set(string)
    intentions           = set(string)
    environment          = optional(map(string), {})
    memory_mb            = optional(number, 128)
    timeout_s            = optional(number, 10)
    reserved_concurrency = optional(number, -1)
    batch_size           = optional(number, 10)
    batch_window_s       = optional(number, 0)
    maximum_concurrency  = optional(number, 10)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.plugins) : can(regex("^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$", name)) && !contains(["webhook", "integrator", "chatops", "controller"], name)])
    error_message = "plugins: a name is 1 to 30 lower-case letters, digits and hyphens (not at either end), and none of webhook, integrator, chatops and controller."
  }
  validation {
    condition     = alltrue([for p in values(var.plugins) : length(p.events) > 0 && alltrue([for kind in p.events : contains(["pull_request", "push", "comment"], kind)])])
    error_message = "plugins: events holds at least one of pull_request, push and comment, and nothing else."
  }
  validation {
    condition     = alltrue([for p in values(var.plugins) : length(p.intentions) > 0 && alltrue([for kind in p.intentions : contains(["run_pull_request", "run_push", "record_ref", "cancel", "follow_comment", "follow_commit_comment"], kind)])])
    error_message = "plugins: intentions holds at least one of run_pull_request, run_push, record_ref, cancel, follow_comment and follow_commit_comment, and nothing else."
  }
  validation {
    condition     = alltrue([for p in values(var.plugins) : alltrue([for key in keys(p.environment) : !contains(["TIDEGATE_COMMAND_QUEUE_URL", "TIDEGATE_LOG"], key)])])
    error_message = "plugins: TIDEGATE_COMMAND_QUEUE_URL and TIDEGATE_LOG are set by the module."
  }
  validation {
    condition     = alltrue([for p in values(var.plugins) : p.memory_mb >= 128 && p.memory_mb <= 10240 && p.timeout_s >= 1 && p.timeout_s <= 900])
    error_message = "plugins: memory_mb is from 128 to 10240, timeout_s from 1 to 900."
  }
  validation {
    condition     = alltrue([for p in values(var.plugins) : p.batch_size >= 1 && p.batch_size <= 10 && p.batch_window_s >= 0 && p.batch_window_s <= 300])
    error_message = "plugins: batch_size is from 1 to 10, batch_window_s from 0 to 300."
  }
  validation {
    condition     = alltrue([for p in values(var.plugins) : (p.reserved_concurrency == -1 || p.reserved_concurrency >= 1) && p.maximum_concurrency >= 2 && p.maximum_concurrency <= 1000 && (p.reserved_concurrency == -1 || p.maximum_concurrency <= p.reserved_concurrency)])
    error_message = "plugins: reserved_concurrency is -1 (none) or at least 1; maximum_concurrency is from 2 to 1000 and not above reserved_concurrency."
  }
}

variable "endpoint" {
  description = "The endpoint for hosts: `api_gateway`, or `function_url`, which is cheaper but has no throttling, no access logs, and no `domain` and `web_acl_arn`."
  type        = string
  default     = "api_gateway"

  validation {
    condition     = contains(["api_gateway", "function_url"], var.endpoint)
    error_message = "endpoint: expected api_gateway or function_url."
  }
}

variable "throttle" {
  description = "API Gateway's limits for the hooks of configs: requests per second (`rate`) and at once (`burst`). Beyond them a host gets 429."
  type        = object({ rate = optional(number, 200), burst = optional(number, 400) })
  default     = {}
  nullable    = false

  validation {
    condition     = var.throttle.rate >= 1 && var.throttle.burst >= 1
    error_message = "throttle: rate and burst are at least 1."
  }
}

variable "app_throttle" {
  description = "The same limits for the GitHub App's route, which is counted separately."
  type        = object({ rate = optional(number, 200), burst = optional(number, 400) })
  default     = {}
  nullable    = false

  validation {
    condition     = var.app_throttle.rate >= 1 && var.app_throttle.burst >= 1
    error_message = "app_throttle: rate and burst are at least 1."
  }
}

variable "domain" {
  description = "Your own domain for the webhooks. `certificate_arn`: an ACM certificate of this region, or of us-east-1 with `web_acl_arn`; `zone_id`: the Route 53 zone for the record. Without it, create the record yourself from the output `domain_target`."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null || var.endpoint == "api_gateway"
    error_message = "domain: a function URL doesn't support your own domain; set endpoint to api_gateway."
  }
  validation {
    condition     = var.domain == null || can(regex("^[a-z0-9.-]+\\.[a-z]+$", var.domain.name)) && can(regex("^arn:[a-z-]+:acm:", var.domain.certificate_arn))
    error_message = "domain: name is a host name in lower case, certificate_arn the ARN of an ACM certificate."
  }
}

variable "web_acl_arn" {
  description = "A WAFv2 web ACL of scope CLOUDFRONT. HTTP APIs don't support web ACLs, so the module puts a CloudFront distribution in front; `origin_secrets` blocks the API's own address. The module `firewall` creates a web ACL with a rate limit per address. Set rules that inspect bodies to count, not block: deliveries contain people's code."
  type        = string
  default     = null

  validation {
    condition     = var.web_acl_arn == null || can(regex("^arn:[a-z-]+:wafv2:us-east-1:[0-9]+:global/webacl/", var.web_acl_arn))
    error_message = "web_acl_arn: expected the ARN of a WAFv2 web ACL of scope CLOUDFRONT (arn:aws:wafv2:us-east-1:…:global/webacl/…)."
  }
  validation {
    condition     = var.web_acl_arn == null || var.endpoint == "api_gateway"
    error_message = "web_acl_arn: needs endpoint api_gateway."
  }
}

variable "origin_secrets" {
  description = "Required with `web_acl_arn`: one or two random texts of 32 to 128 letters, digits and hyphens, like the output of `openssl rand -hex 32`. CloudFront adds the first to each request as a header. The webhook function refuses requests without one of them (403), so nobody can bypass the firewall by the API's own address. Terraform's state contains them. To replace one: put the new one first, apply, then remove the old one and apply again."
  type        = list(string)
  default     = []
  nullable    = false
  sensitive   = true

  validation {
    condition     = length(var.origin_secrets) <= 2 && alltrue([for secret in var.origin_secrets : can(regex("^[A-Za-z0-9-]{32,128}$", secret))])
    error_message = "origin_secrets: expected at most two texts of 32 to 128 letters, digits and hyphens."
  }
  validation {
    condition     = (length(var.origin_secrets) > 0) == (var.web_acl_arn != null)
    error_message = "origin_secrets: set them with web_acl_arn, and not without it."
  }
}

variable "log_level" {
  description = "The functions' log level: `trace`, `debug`, `info`, `warn`, `error`, or levels by module like `info,tidegate_queue=debug`. With `warn` or `error` the alarm for bad signatures doesn't work."
  type        = string
  default     = "info"

  validation {
    condition     = length(var.log_level) > 0
    error_message = "log_level: expected a level or a filter."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the functions' logs and the access log."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: CloudWatch supports 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653."
  }
}

variable "operator_role_arns" {
  description = "IAM roles (wildcards allowed) that may send messages back to the queues, for `tidegate dlq replay`. Otherwise each queue accepts messages only from its function."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.operator_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/", arn))])
    error_message = "operator_role_arns: expected ARNs like arn:aws:iam::111122223333:role/operator."
  }
}

variable "controller_irsa" {
  description = "Create a role for the controller that its ServiceAccount assumes through the cluster's OIDC provider (IRSA). `issuer`: the provider's URL without https://."
  type = object({
    oidc_provider_arn = string
    issuer            = string
    namespace         = optional(string, "tidegate")
    service_account   = optional(string, "tidegate-controller")
  })
  default = null

  validation {
    condition     = var.controller_irsa == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/", var.controller_irsa.oidc_provider_arn)) && !can(regex("://", var.controller_irsa.issuer))
    error_message = "controller_irsa: oidc_provider_arn is an ARN like arn:aws:iam::111122223333:oidc-provider/…, issuer comes without https://."
  }
}

variable "controller_pod_identity" {
  description = "Create a role for the controller that its ServiceAccount gets through EKS Pod Identity."
  type = object({
    cluster_name    = string
    namespace       = optional(string, "tidegate")
    service_account = optional(string, "tidegate-controller")
  })
  default = null
}

variable "alarms" {
  description = "CloudWatch alarms. `actions`: ARNs to notify, usually one SNS topic. The other fields are thresholds. docs/operate.md describes what to do about each alarm."
  type = object({
    enabled                  = optional(bool, true)
    actions                  = optional(list(string), [])
    event_age_s              = optional(number, 300)
    command_age_s            = optional(number, 900)
    client_errors_per_5_min  = optional(number, 100)
    throttled_per_5_min      = optional(number, 10)
    bad_signatures_per_5_min = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.alarms.event_age_s >= 60 && var.alarms.command_age_s >= 60
    error_message = "alarms: event_age_s and command_age_s are at least 60."
  }
  validation {
    condition     = var.alarms.client_errors_per_5_min >= 1 && var.alarms.throttled_per_5_min >= 1 && var.alarms.bad_signatures_per_5_min >= 1
    error_message = "alarms: client_errors_per_5_min, throttled_per_5_min and bad_signatures_per_5_min are at least 1."
  }
}

variable "dashboard" {
  description = "Whether to create a CloudWatch dashboard."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of all resources that support tags."
  type        = map(string)
  default     = {}
}
