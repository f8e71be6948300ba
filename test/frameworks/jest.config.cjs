// How test/jest.test.ts runs Jest: as it comes, on files of this folder.
module.exports = { rootDir: __dirname, testTimeout: 60_000, testMatch: ["<rootDir>/*.jest.cjs"] };
