"""What several rings of tests use; no test stands here."""
