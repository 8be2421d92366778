"""From TOML to a frozen `Project`: reading, checking, substituting."""
