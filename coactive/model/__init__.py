"""The schemas of the service's answers, one file each; `coactive.models` has them all by name."""
