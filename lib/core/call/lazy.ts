/** Modules that take long to load, for what few programs need: each comes when it is first used. */

export const crypto = () => require("node:crypto") as typeof import("node:crypto");
export const fflate = () => require("fflate") as typeof import("fflate");
export const v8 = () => require("node:v8") as typeof import("node:v8");
export const vm = () => require("node:vm") as typeof import("node:vm");
export const zlib = () => require("node:zlib") as typeof import("node:zlib");
