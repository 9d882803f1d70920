# The webhook master keys (ADR 15). Terraform makes the secret and never sees a key: the first one is put in by hand,
# later ones by `tidegate rotate-webhook-key`. Kept here, a key would lie in the state; and a version that Terraform
# wrote would come back, with a new key, once rotation has pushed it out of the secret (see the ADR on it).
resource "aws_secretsmanager_secret" "master_keys" {
  name        = "${var.name}/webhook-keys"
  description = "Tidegate's webhook master keys: one JSON object, see Tidegate's docs/settings.md."
  tags        = var.tags
}
