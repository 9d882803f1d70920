plugin "terraform" {
  enabled = true
  preset  = "all"
}

# An example is one file, to be read from top to bottom.
rule "terraform_standard_module_structure" {
  enabled = false
}

# An example configures the provider of the module that it calls.
rule "terraform_unused_required_providers" {
  enabled = false
}
