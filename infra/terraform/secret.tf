# The webhook master keys (ADR 15). Terraform creates the secret and never sees a key: you put the first one in,
# and `tidegate rotate-webhook-key` the later ones. A key in this file would be stored in the state. And once rotation has pushed a
# version that Terraform wrote out of the secret, Terraform would write it again, with a new key (ADR 22).
resource "aws_secretsmanager_secret" "master_keys" {
  name        = "${var.name}/webhook-keys"
  description = "Tidegate's webhook master keys: one JSON object, see Tidegate's docs/settings.md."
  tags        = var.tags
}
