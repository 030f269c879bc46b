"""mx-agent: applies one manifest on one Debian host as a transaction.

docs/architecture.md has the contract: the manifest, the order of the steps, the promises. The
package runs on the host, with Python 3.9 or later and nothing but its standard library. As
`components.host.agent` ships the package in a zip archive under another name, its modules import
each other by relative names only.
"""
