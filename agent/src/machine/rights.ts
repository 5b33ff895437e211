export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Acts with the rights of an account. An administrator who writes into somebody's home folder goes through what that
 * somebody has put there, which may be a link to a file of the system's: with their rights it leads nowhere that they
 * could not go themselves. Whoever is no administrator has only their own rights anyway.
 */
export function withRightsOf<T>(owner: Owner | null, act: () => T): T {
  const { getuid, getegid, getgroups, seteuid, setegid, setgroups } = process;
  const able = getegid && getgroups && seteuid && setegid && setgroups;
  if (owner === null || owner.uid === 0 || getuid?.() !== 0 || !able) return act();
  const before = { gid: getegid(), groups: getgroups() };
  setgroups([owner.gid]);
  setegid(owner.gid);
  seteuid(owner.uid);
  try {
    return act();
  } finally {
    seteuid(0);
    setegid(before.gid);
    setgroups(before.groups);
  }
}
