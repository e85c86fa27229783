-- One atomic commit: everything, or nothing when somebody else has moved the fences in the meantime.
-- KEYS[1] the run's state hash; ARGV[1] the fences it must hold ('' for none yet); then, for every command, the number of
-- its words and the words.
local fences = redis.call('HGET', KEYS[1], 'fences')
if (fences or '') ~= ARGV[1] then
  return 0
end
local i = 2
while i <= #ARGV do
  local words = tonumber(ARGV[i])
  redis.call(unpack(ARGV, i + 1, i + words))
  i = i + words + 1
end
return 1
