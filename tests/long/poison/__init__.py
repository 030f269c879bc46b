"""Messages that are made to stop the spam filter, six at once, under a stream of honest mail."""
