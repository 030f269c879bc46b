-- TLS towards a next hop: the text that smtp_tls_policy_maps returns (postconf(5)). The next hop
-- stands as in the transport, "[host]:port", or is a domain that mail leaves for.

CREATE TABLE tls_policy (
  nexthop VARCHAR(300) NOT NULL,
  policy VARCHAR(1000) NOT NULL,
  PRIMARY KEY (nexthop)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
