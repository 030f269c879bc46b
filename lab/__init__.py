"""The embedded lab: Debian hosts in containers and a small Internet for them."""
