"""The DNS records at Cloudflare."""
