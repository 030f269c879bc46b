-- Where the mail of a domain goes, as transport(5) writes it.

CREATE TABLE transport (
  domain VARCHAR(253) NOT NULL,
  nexthop VARCHAR(300) NOT NULL,
  PRIMARY KEY (domain),
  CONSTRAINT transport_domain FOREIGN KEY (domain) REFERENCES mail_domain (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
