/**
 * Whether the addon is the one of scripts/sanitize.mjs. Its sanitizer takes memory for
 * itself, much of it address space, and keeps what is freed: figures of the process's
 * memory and limits of it say nothing there. Tests that need them are left out.
 */
export const sanitized = (process.env["MLX_JS_BUILD"] ?? "").startsWith("Sanitize");
