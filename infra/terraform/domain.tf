# Your own domain, and a web application firewall: HTTP APIs don't support web ACLs, so CloudFront is in front.

locals {
  has_cdn = var.web_acl_arn != null
  # The header that CloudFront adds to each request: the webhook function refuses all others.
  origin = local.has_cdn ? { TIDEGATE_ORIGIN_SECRETS = join(",", var.origin_secrets) } : {}
}

resource "aws_apigatewayv2_domain_name" "this" {
  count = var.domain != null && !local.has_cdn ? 1 : 0

  domain_name = var.domain.name
  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
  tags = var.tags
}

resource "aws_apigatewayv2_api_mapping" "this" {
  count = length(aws_apigatewayv2_domain_name.this)

  api_id      = aws_apigatewayv2_api.this[0].id
  domain_name = aws_apigatewayv2_domain_name.this[0].id
  stage       = aws_apigatewayv2_stage.default[0].id
}

# CloudFront uses the API's own address, so that address can't be disabled. The webhook function refuses direct requests to it,
# because they lack the header. They still count towards the route's throttle.
resource "aws_cloudfront_distribution" "this" {
  count = local.has_cdn ? 1 : 0

  enabled     = true
  comment     = "Tidegate's webhooks (${var.name})"
  aliases     = var.domain == null ? [] : [var.domain.name]
  price_class = "PriceClass_100"
  web_acl_id  = var.web_acl_arn

  origin {
    origin_id   = "api"
    domain_name = replace(aws_apigatewayv2_api.this[0].api_endpoint, "/^https?:\\/\\//", "")
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
    custom_header {
      name  = "x-tidegate-origin"
      value = var.origin_secrets[0]
    }
  }

  default_cache_behavior {
    target_origin_id       = "api"
    viewer_protocol_policy = "https-only"
    allowed_methods        = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods         = ["GET", "HEAD"]
    # AWS's own policies: CachingDisabled, and AllViewerExceptHostHeader.
    cache_policy_id          = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    origin_request_policy_id = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn            = try(var.domain.certificate_arn, null)
    cloudfront_default_certificate = var.domain == null
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
  }

  tags = var.tags
}

locals {
  # The target of the domain's record.
  domain_target = (
    local.has_cdn ? { name = aws_cloudfront_distribution.this[0].domain_name, zone_id = aws_cloudfront_distribution.this[0].hosted_zone_id } :
    var.domain != null ? {
      name    = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
      zone_id = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].hosted_zone_id
    } : null
  )
  public_url = (
    var.domain != null ? "https://${var.domain.name}" :
    local.has_cdn ? "https://${aws_cloudfront_distribution.this[0].domain_name}" :
    local.is_api ? aws_apigatewayv2_api.this[0].api_endpoint :
    trimsuffix(aws_lambda_function_url.webhook[0].function_url, "/")
  )
}

resource "aws_route53_record" "this" {
  count = try(var.domain.zone_id, null) != null ? 1 : 0

  zone_id = var.domain.zone_id
  name    = var.domain.name
  type    = "A"

  alias {
    name                   = local.domain_target.name
    zone_id                = local.domain_target.zone_id
    evaluate_target_health = false
  }
}
