-- No message is accepted unfiltered: while Redis (greylisting, rate limits, Bayes) or the resolver
-- (SPF, DKIM, DMARC, block lists) does not answer, the sender is asked to come again (451).
local lua_redis = require "lua_redis"
local logger = require "rspamd_logger"

local function defer(task, what, err)
  logger.errx(task, 'deferred: %s does not answer: %s', what, err)
  task:set_pre_result('soft reject', 'Filter is not complete, try again later', 'mx_dependencies')
end

local answered = {
  ['no records with this name'] = true,
  ['requested record is not found'] = true,
}
local redis = lua_redis.parse_redis_server('mx_dependencies')

local function check(task)
  if not redis then
    defer(task, 'redis', 'no server is configured')
    return
  end
  local sent = lua_redis.redis_make_request(task, redis, nil, false, function(err)
    if err then
      defer(task, 'redis', err)
    end
  end, 'PING', {})
  if not sent then
    defer(task, 'redis', 'no connection')
  end
  -- The root knows whether this name exists, and either answer will do.
  task:get_resolver():resolve('ns', {
    task = task,
    name = 'arpa',
    forced = true,
    callback = function(_, _, _, err)
      if err and not answered[err] then
        defer(task, 'the resolver', err)
      end
    end,
  })
end

rspamd_config:register_symbol({
  name = 'MX_DEPENDENCIES',
  type = 'prefilter',
  priority = 10,
  flags = 'empty,nostat,ignore_passthrough',
  callback = check,
})
