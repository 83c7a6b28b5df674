export PATH="$PWD/bin:$PATH"
options=
for file in ../proto/exposure/v1/*.proto; do
  name="${file#../proto/}"
  options="$options --go_opt=M$name=example/track/exposurev1 --go-grpc_opt=M$name=example/track/exposurev1"
done
python -m grpc_tools.protoc -I../proto $options --go_out=. --go_opt=module=example/track \
  --go-grpc_out=. --go-grpc_opt=module=example/track ../proto/exposure/v1/*.proto
go build -o track .
