/** Dockerfiles that need no image, so that engines can be compared without a registry: every instruction, flag and form is in one of them. */
export const corpus: readonly string[] = [
  `# escape=\\
ARG V=1
# base what all start from
FROM scratch AS base
ARG V
ENV PATH=/bin A=1 B="two words" C='$A' D=\${A:-x}
LABEL a=b "c d"="e f" g=$A
WORKDIR /w
RUN --mount=type=cache,target=/c,id=x,sharing=locked,mode=0755 --network=none echo $A \\
  # a comment
  && true
COPY --chown=1:2 --chmod=0755 a b /dir/
ADD --link x.tar /y/

FROM base AS final
COPY --from=base --link /a /b
USER 1
EXPOSE 80 443/tcp 8000-8002/udp
VOLUME ["/data", "/x"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=1m --retries=3 CMD ["x"]
ENTRYPOINT ["a", "b"]
CMD ["c"]
`,
  `FROM scratch
RUN <<EOF
echo "$HOME"
EOF
RUN cat <<A <<-'B' > /x
one
A
	two
	B
COPY <<"X" <<Y /dest/
$no
X
$PATH
Y
RUN ["/bin/sh", "-c", "x"]
SHELL ["/bin/bash", "-c"]
CMD echo $x
`,
  `# check=error=false
from scratch as one
onbuild run x
onbuild copy <<E /y
z
E
maintainer somebody <x@example.org>
env old style value
healthcheck none
from one
arg a=1 b="2 3" c
run --mount=type=secret,id=s,required --mount=type=ssh,id=k --mount=type=tmpfs,target=/t,size=1m \\
 --mount=from=one,target=/o,source=/s,rw x
workdir rel
copy --exclude=*.log ./x/y/*.c /z/
copy ["with space", "/d d/"]
add --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/f /f
`,
  "# escape=`\nFROM scratch\nRUN dir `\n  C:\\x\nWORKDIR C:\\y\nENV p=C:\\z`$a\n",
  `ARG BASE=scratch
ARG N=$BASE
FROM \${N} AS a
FROM --platform=$BUILDPLATFORM a AS b
ARG TARGETARCH
RUN echo \${TARGETARCH}
FROM \${BASE:-a}
COPY --from=b . .
COPY --from=0 /x /\${BASE%r*}
LABEL v="\${BASE/r/l}" w=\${BASE//c/k} u=\${UNSET:+x}
`,
];
