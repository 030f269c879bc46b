"""Components of a mail exchanger, and the settings they are made from."""
