// How test/jest.test.ts runs Jest: as it comes, on files of this folder.
module.exports = { rootDir: __dirname, testMatch: ["<rootDir>/*.jest.cjs"] };
