"""Programs beside `pulumi up`, one a verb, with the name of their script."""
