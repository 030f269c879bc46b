"""Write components/postconf/parameters.tsv from the sources of Postfix and from its packages."""
