-- Who the MX host accepts mail for. Names are A-labels and lower case, as the settings check them.
-- utf8mb4_bin compares bytes: a lookup uses the index as it is, and no two spellings are "equal".

CREATE TABLE mail_domain (
  name VARCHAR(253) NOT NULL,
  PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE recipient (
  domain VARCHAR(253) NOT NULL,
  local_part VARCHAR(64) NOT NULL,
  PRIMARY KEY (domain, local_part),
  CONSTRAINT recipient_domain FOREIGN KEY (domain) REFERENCES mail_domain (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each address that gets the alias's mail.
CREATE TABLE alias (
  domain VARCHAR(253) NOT NULL,
  local_part VARCHAR(64) NOT NULL,
  destination VARCHAR(318) NOT NULL,
  PRIMARY KEY (domain, local_part, destination),
  CONSTRAINT alias_domain FOREIGN KEY (domain) REFERENCES mail_domain (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
