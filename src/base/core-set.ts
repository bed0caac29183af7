/**
 * The core set of a chunk: the partitions that were published together, which a broker reads whole or not at all. Each shard
 * spec of a chunk tells how many they are.
 */

/** From here on Druid numbers segments that replace some partitions of a chunk: then the core set says nothing. */
export const REPLACING = 32_768

/** Partitions below this number are asked for their shard spec in every look, since specs can be long. */
export const TELLING = 2

/** In a shard spec: of numbered and hashed ones `partitions`, of those by range `numCorePartitions`; others have none. */
export const CORE_PARTITIONS = '"(?:partitions|numCorePartitions)":(\\d+)'
