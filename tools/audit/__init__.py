"""The command line of the audit; the judgement itself is components/audit."""
