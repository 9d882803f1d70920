# The controller's rights in AWS: drain the command queues, move commands to their dead-letter
# queues, and read the master keys. Attach the policy yourself, or let the module create a role for IRSA or Pod Identity.

data "aws_iam_policy_document" "controller" {
  statement {
    sid       = "DrainCommands"
    actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [for key in keys(local.command_queues) : aws_sqs_queue.this["${key}-commands"].arn]
  }
  statement {
    sid       = "PutCommandsAside"
    actions   = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
    resources = [for key in keys(local.command_queues) : aws_sqs_queue.dead["${key}-commands"].arn]
  }
  statement {
    sid       = "ReadMasterKeys"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.master_keys.arn]
  }
}

resource "aws_iam_policy" "controller" {
  name        = "${var.name}-controller"
  description = "Of Tidegate's controller."
  policy      = data.aws_iam_policy_document.controller.json
  tags        = var.tags
}

locals {
  has_controller_role = var.controller_irsa != null || var.controller_pod_identity != null
}

data "aws_iam_policy_document" "controller_assume" {
  count = local.has_controller_role ? 1 : 0

  dynamic "statement" {
    for_each = var.controller_irsa[*]
    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]
      principals {
        type        = "Federated"
        identifiers = [statement.value.oidc_provider_arn]
      }
      condition {
        test     = "StringEquals"
        variable = "${statement.value.issuer}:sub"
        values   = ["system:serviceaccount:${statement.value.namespace}:${statement.value.service_account}"]
      }
      condition {
        test     = "StringEquals"
        variable = "${statement.value.issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.controller_pod_identity[*]
    content {
      actions = ["sts:AssumeRole", "sts:TagSession"]
      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }
      # The service principal covers every cluster of the account; the tags that it sets name this one ServiceAccount.
      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/eks-cluster-name"
        values   = [statement.value.cluster_name]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-namespace"
        values   = [statement.value.namespace]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-service-account"
        values   = [statement.value.service_account]
      }
    }
  }
}

resource "aws_iam_role" "controller" {
  count = local.has_controller_role ? 1 : 0

  name               = "${var.name}-controller"
  description        = "Of Tidegate's controller."
  assume_role_policy = data.aws_iam_policy_document.controller_assume[0].json
  tags               = var.tags
}

resource "aws_iam_role_policy_attachment" "controller" {
  count = local.has_controller_role ? 1 : 0

  role       = aws_iam_role.controller[0].name
  policy_arn = aws_iam_policy.controller.arn
}

resource "aws_eks_pod_identity_association" "controller" {
  count = var.controller_pod_identity == null ? 0 : 1

  cluster_name    = var.controller_pod_identity.cluster_name
  namespace       = var.controller_pod_identity.namespace
  service_account = var.controller_pod_identity.service_account
  role_arn        = aws_iam_role.controller[0].arn
  tags            = var.tags
}
