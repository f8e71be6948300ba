/**
 * Markdown in which what a block of code prints, its last lines of comment, has
 * a place of its own. The tests of the documentation compare just these lines.
 *
 * @param {string} markdown
 */
export function withOutput(markdown) {
  return markdown.replace(/^```(ts|js)\n([\s\S]*?)^```$/gm, (_, language, body) => {
    const output = /(?<=\n)(?:\/\/.*\n)+$/.exec(body)?.[0];
    if (output === undefined) {
      return `\`\`\`${language}\n${body}\`\`\``;
    }
    const code = body.slice(0, body.length - output.length).trimEnd();
    return [
      `\`\`\`${language}\n${code}\n\`\`\``,
      `<div class="output" role="group" aria-label="Output">\n\n\`\`\`txt\n${output.replace(/^\/\/ ?/gm, "")}\`\`\`\n\n</div>`,
    ].join("\n\n");
  });
}
