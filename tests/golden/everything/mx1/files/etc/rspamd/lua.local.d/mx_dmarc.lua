local wanted = {
  ours = "reject",
  others = "reject",
  own = { ["example.test"] = true, ["lists.example.test"] = true, },
  lists = { ["lists.example3.test"] = true, },
  sealers = { },
  forwarders = nil,
}
-- Mail that fails the DMARC policy of its From domain: marked or refused, as the settings say
-- (`wanted`, made by mx). A policy alone never decides (RFC 9989 section 7.4): lists, forwarders
-- and sealers that the settings name are believed, and a DNS error is no failure.
local logger = require "rspamd_logger"

local function believed(task)
  for _, symbol in ipairs({ 'R_SPF_DNSFAIL', 'R_DKIM_TEMPFAIL', 'DMARC_DNSFAIL' }) do
    if task:has_symbol(symbol) then
      return symbol
    end
  end
  local ip = task:get_ip()
  if ip and ip:is_valid() then
    if ip:is_local() then
      return 'local'
    end
    if wanted.forwarders and wanted.forwarders:get_key(ip) then
      return 'forwarder'
    end
  end
  local sender = task:get_from('smtp')
  if sender and sender[1] and wanted.lists[string.lower(sender[1].domain or '')]
    and task:has_symbol('R_SPF_ALLOW') then
    return 'list'
  end
  local arc = task:get_symbol('ARC_ALLOW')
  for _, option in ipairs(arc and arc[1] and arc[1].options or {}) do
    local sealer = string.match(string.lower(option), '^([^:]+):')
    if sealer and wanted.sealers[sealer] then
      return 'sealer'
    end
  end
  return nil
end

local function check(task)
  if not (task:has_symbol('DMARC_POLICY_REJECT') or task:has_symbol('DMARC_POLICY_QUARANTINE')) then
    return
  end
  local from = task:get_from('mime')
  local domain = from and from[1] and string.lower(from[1].domain or '') or ''
  local how = wanted.others
  for own in pairs(wanted.own) do
    if domain == own or string.sub(domain, -#own - 1) == '.' .. own then
      how = wanted.ours
    end
  end
  if how == 'score' then
    return
  end
  local why = believed(task)
  if why then
    task:insert_result('MX_DMARC_EXCEPTION', 0.0, why)
    return
  end
  task:insert_result('MX_DMARC_' .. string.upper(how), 0.0, domain)
  if how == 'reject' then
    task:set_pre_result('reject', 'the DMARC policy of ' .. domain .. ' refuses this message',
      'mx_dmarc')
  else
    task:set_pre_result('add header', 'fails the DMARC policy of ' .. domain, 'mx_dmarc',
      nil, nil, 'least')
  end
  logger.infox(task, 'DMARC of %s: %s', domain, how)
end

local id = rspamd_config:register_symbol({
  name = 'MX_DMARC',
  type = 'postfilter',
  priority = 8,
  flags = 'empty,nostat',
  callback = check,
})
for _, name in ipairs({ 'MX_DMARC_EXCEPTION', 'MX_DMARC_MARK', 'MX_DMARC_REJECT' }) do
  rspamd_config:register_symbol({ name = name, type = 'virtual', parent = id, score = 0.0 })
end
