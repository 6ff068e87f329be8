-- SPDX-License-Identifier: Apache-2.0
-- One step of one partition: everything in it becomes true, or nothing does.
--
-- KEYS[1]  meta hash
-- KEYS[2]  pending output, list
-- KEYS[3]  due times, sorted set
-- KEYS[4…] the entities written, then the pages
--
-- ARGV[1]  epoch of the owner
-- ARGV[2]  step: number of this commit, higher than all before it under the same epoch
-- ARGV[3]  expected applied offset
-- ARGV[4]  new applied offset
-- ARGV[5]  new clock, epoch ms
-- ARGV[6]  pending outputs with a lower sequence number are dropped
-- ARGV[7]  what the last applied record is known by
-- ARGV[8]  length of the entity keys' prefix
-- ARGV[9]  number of counters
-- ARGV[10] number of notes
-- ARGV[11] number of wakes
-- ARGV[12] number of entities
-- then     per counter: name, increment
-- then     per note:    name, value
-- then     per wake:    due ms, entity
-- then     per entity:  value, due ms ('' never), seconds to live ('' for ever, '0' delete)
-- then     per page:    value ('' delete)
-- then     the outputs
--
-- Answers {'committed', sequence number of the first output}, {'epoch'} when another owner has
-- claimed the partition, {'step'} for a late copy of an earlier commit, or {'offset', applied
-- offset}. Field names: keys.py.
--
-- A script is not rolled back. So the caller checks every number, and the first write is one
-- which Redis refuses when memory is short: after it, no command of this script can fail.

local BATCH = 1000  -- arguments per call; unpack() fails beyond some 8,000

local function call(command, key, args)
  for i = 1, #args, BATCH do
    redis.call(command, key, unpack(args, i, math.min(i + BATCH - 1, #args)))
  end
end

local meta_key, pending_key, due_key = KEYS[1], KEYS[2], KEYS[3]
local meta = redis.call('HMGET', meta_key, 'e', 'k', 'a', 'h', 'l', 'b')
local step, applied, head = meta[2] or '0', meta[3] or '-1', tonumber(meta[4] or '0')

if meta[1] ~= ARGV[1] then
  return {'epoch'}
end
if step == ARGV[2] then
  return {'committed', meta[5]}
end
if tonumber(step) > tonumber(ARGV[2]) then
  return {'step'}
end
if applied ~= ARGV[3] then
  if applied == ARGV[4] then
    return {'committed', meta[6] or '0'}
  end
  return {'offset', applied}
end

local waiting = redis.call('LLEN', pending_key)
local first = string.format('%.0f', head + waiting)
local published = math.max(0, math.min(tonumber(ARGV[6]) - head, waiting))
local from = meta[6] or '0'
if applied ~= ARGV[4] then
  from = first
end
redis.call('HSET', meta_key, 'k', ARGV[2], 'l', first, 'a', ARGV[4], 'b', from, 't', ARGV[5],
  'm', ARGV[7], 'h', string.format('%.0f', head + published))

if published > 0 then
  redis.call('LTRIM', pending_key, published, -1)
end

local at = 13
for _ = 1, tonumber(ARGV[9]) do
  redis.call('HINCRBY', meta_key, 'c:' .. ARGV[at], ARGV[at + 1])
  at = at + 2
end

for _ = 1, tonumber(ARGV[10]) do
  redis.call('HSET', meta_key, 'n:' .. ARGV[at], ARGV[at + 1])
  at = at + 2
end

local prefix, last_entity = tonumber(ARGV[8]), 3 + tonumber(ARGV[12])
local plain, deleted, due, never_due = {}, {}, {}, {}
for _ = 1, 2 * tonumber(ARGV[11]) do
  due[#due + 1] = ARGV[at]
  at = at + 1
end
for i = 4, last_entity do
  local key, value, due_ms, ttl_s = KEYS[i], ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local member = string.sub(key, prefix + 1)
  at = at + 3
  if ttl_s == '' then
    plain[#plain + 1] = key
    plain[#plain + 1] = value
  elseif ttl_s == '0' then
    deleted[#deleted + 1] = key
  else
    redis.call('SET', key, value, 'EX', ttl_s)
  end
  if due_ms == '' then
    never_due[#never_due + 1] = member
  else
    due[#due + 1] = due_ms
    due[#due + 1] = member
  end
end

for i = last_entity + 1, #KEYS do
  if ARGV[at] == '' then
    deleted[#deleted + 1] = KEYS[i]
  else
    plain[#plain + 1] = KEYS[i]
    plain[#plain + 1] = ARGV[at]
  end
  at = at + 1
end

for i = 1, #plain, BATCH do
  redis.call('MSET', unpack(plain, i, math.min(i + BATCH - 1, #plain)))
end
for i = 1, #deleted, BATCH do
  redis.call('UNLINK', unpack(deleted, i, math.min(i + BATCH - 1, #deleted)))
end
call('ZADD', due_key, due)
call('ZREM', due_key, never_due)

local outputs = {}
for i = at, #ARGV do
  outputs[#outputs + 1] = ARGV[i]
end
call('RPUSH', pending_key, outputs)
return {'committed', first}
