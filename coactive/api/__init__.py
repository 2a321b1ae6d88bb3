"""The service's operations, one file a group; `coactive.apis` has the groups by name."""
