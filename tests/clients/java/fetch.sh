mvn --quiet --batch-mode generate-sources dependency:copy-dependencies
