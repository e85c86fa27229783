-- One atomic commit: everything, or nothing when somebody else has committed in the meantime, or when keys are lost.
-- KEYS[1] the run's state hash, KEYS[2] its sums, KEYS[3] its history, KEYS[4] its users, KEYS[5] a key that nobody has; then its
-- tables, then every key that is written: Redis refuses the whole script where the user may not touch one of them.
-- ARGV[1] the checksum the state must hold ('' for no state yet, 'another type' if it is no hash, '*' for any), ARGV[2..4] how
-- many fields or entries sums, history and users must have ('*' for any), ARGV[5] the number of tables that are looked at, then how
-- many fields each must have; then, for every command, the number of its words and the words.
-- Gives {1, users} when committed, with how many there are now (0 for any sizes), {0} for another state, {2} for lost keys, and {3, command, key or
-- channel, Redis' words} where Redis would refuse one of the commands.
--
-- Redis takes nothing back when a command of a script fails, so all of them are tried before the first one writes.
local refusal

local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then
    refusal = refusal or {3, (select(1, ...)), (select(2, ...)), answer.err}
    return nil
  end
  return answer
end

local tables = tonumber(ARGV[5])
local commands, i = {}, 6 + tables
while i <= #ARGV do
  local words = tonumber(ARGV[i])
  commands[#commands + 1] = {i + 1, i + words}
  i = i + words + 1
end

-- A Redis without memory, disk, replicas or as a replica itself refuses a script's first write only, and of memory only one that
-- could need some. So this has to be the first: it writes nothing, since the key is not there.
try('SET', KEYS[5], '', 'XX')
if refusal then return refusal end

if redis.acl_check_cmd then -- since Redis 7.0
  for _, c in ipairs(commands) do
    local known, allowed = pcall(redis.acl_check_cmd, ARGV[c[1]], ARGV[c[1] + 1])
    if not (known and allowed) then
      try(unpack(ARGV, c[1], c[2])) -- is denied, in words that say whether for its name, key or channel
      return refusal or {3, ARGV[c[1]], ARGV[c[1] + 1], 'NOPERM'}
    end
  end
else -- Redis 6.2: rights do not depend on the key, so each command is tried where it changes nothing
  local tried = {}
  for _, c in ipairs(commands) do
    tried[ARGV[c[1]]] = true
  end
  if tried.HSET then
    local answer = redis.pcall('HSET', KEYS[5], '', '', '') -- one word too many
    if not string.find(answer.err, 'wrong number of arguments', 1, true) then
      return {3, 'HSET', KEYS[1], answer.err}
    end
  end
  if tried.XADD then try('XADD', KEYS[5], 'NOMKSTREAM', '*', '', '') end
  if tried.DEL then try('DEL', KEYS[5]) end
  if refusal then return refusal end
end

if ARGV[1] ~= '*' then
  local held = try('HGET', KEYS[1], 'checksum')
  if refusal and string.find(refusal[4], 'WRONGTYPE', 1, true) then
    held, refusal = 'another type', nil
  end
  if refusal then return refusal end
  if (held or '') ~= ARGV[1] then return {0} end
end
if ARGV[2] ~= '*' then
  local rows, ticks, users = try('HLEN', KEYS[2]), try('XLEN', KEYS[3]), try('HLEN', KEYS[4])
  if refusal then return refusal end
  if rows ~= tonumber(ARGV[2]) or ticks ~= tonumber(ARGV[3]) or users ~= tonumber(ARGV[4]) then return {2} end
end
for n = 1, tables do
  local fields = try('HLEN', KEYS[5 + n])
  if refusal then return refusal end
  if fields ~= tonumber(ARGV[5 + n]) then return {2} end
end

local length, removed = {HSET = 'HLEN', XADD = 'XLEN'}, {} -- is refused as they are where the key has another type
for _, c in ipairs(commands) do
  local name, key = ARGV[c[1]], ARGV[c[1] + 1]
  if name == 'DEL' then removed[key] = true end
  if length[name] and not removed[key] then try(length[name], key) end
end
if refusal then return refusal end
for _, c in ipairs(commands) do -- Redis 6.2 says of a channel only now; subscribers get it when the script has ended
  if ARGV[c[1]] == 'PUBLISH' then try(unpack(ARGV, c[1], c[2])) end
end
if refusal then return refusal end

for _, c in ipairs(commands) do
  if ARGV[c[1]] ~= 'PUBLISH' then redis.call(unpack(ARGV, c[1], c[2])) end
end
return {1, ARGV[2] ~= '*' and redis.call('HLEN', KEYS[4]) or 0}
