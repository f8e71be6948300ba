export { type Cache, KVCache } from "./cache.js";
