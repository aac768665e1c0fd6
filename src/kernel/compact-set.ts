/** Sets of which there are very many and most have few members: a list while they have, which takes a fifth of a Set's memory. */

/** Up to here a list is also as fast. */
const maxListed = 8;

export type CompactSet<T> = T[] | Set<T>;

/** Returns the set that is to be kept in the place of the one that was given. */
export function withMember<T>(members: CompactSet<T>, member: T): CompactSet<T> {
  if (!Array.isArray(members)) return members.add(member);
  if (members.includes(member)) return members;
  if (members.length >= maxListed) return new Set([...members, member]);
  members.push(member);
  return members;
}

/** True: it was the last one. */
export function removeMember<T>(members: CompactSet<T>, member: T): boolean {
  if (!Array.isArray(members)) return members.delete(member) && members.size === 0;
  const index = members.indexOf(member);
  if (index < 0) return false;
  members.splice(index, 1);
  return members.length === 0;
}
