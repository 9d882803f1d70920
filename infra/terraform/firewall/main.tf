# A web ACL for `web_acl_arn`: it blocks an address that sends more than a host does. CloudFront only supports web ACLs of
# us-east-1, so this module gets a provider of that region.

variable "name" {
  description = "What the names begin with."
  type        = string
  default     = "tidegate"
}

variable "requests_per_5_min" {
  description = "How many requests one address may send in 5 minutes; beyond it CloudFront answers 403 until there are fewer. A large host sends from several addresses: look at the ACL's metric before you lower it."
  type        = number
  default     = 6000

  validation {
    condition     = var.requests_per_5_min >= 10 && var.requests_per_5_min <= 2000000000
    error_message = "requests_per_5_min: AWS WAF takes 10 to 2000000000."
  }
}

variable "tags" {
  description = "Tags of the web ACL."
  type        = map(string)
  default     = {}
}

resource "aws_wafv2_web_acl" "this" {
  name        = "${var.name}-hooks"
  description = "Webhooks of Tidegate, a rate limit per address."
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 1
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit              = var.requests_per_5_min
        aggregate_key_type = "IP"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-rate"
      sampled_requests_enabled   = false
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${var.name}-hooks"
    sampled_requests_enabled   = false
  }

  tags = var.tags
}

output "web_acl_arn" {
  description = "For the module's `web_acl_arn`."
  value       = aws_wafv2_web_acl.this.arn
}
