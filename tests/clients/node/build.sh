npx buf generate ../proto
