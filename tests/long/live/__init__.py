"""What takes the lab's hosts minutes: a live zone, values that kill Postfix, hosts that lie."""
