# A small image of the node, without OpenVPN: for clouds in HTTPS mode. Your executor and coda.config.ts are in a folder of
# yours, mounted at /site:
#   docker build -t coda-node .
# (if the folder is not yours as user 1000 or root's, add -e CODA_TRUSTED_OWNERS="$(id -u)")
#   docker run --init -v coda-state:/var/lib/coda-node -v "$PWD:/site:ro" -e CODA_NODE_TOKEN coda-node
FROM node:22-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY templates/package.json ./templates/
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev && rm node_modules/create-coda-executor

FROM node:22-slim
WORKDIR /opt/coda-node
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist/bundle ./dist/bundle
COPY --from=build /build/dist/python ./dist/python
COPY --from=build /build/docs ./docs
RUN ln -s /opt/coda-node/dist/bundle/coda.cjs /usr/local/bin/coda \
  && mkdir -p /var/lib/coda-node /site \
  && chown node:node /var/lib/coda-node && chmod 700 /var/lib/coda-node
# The user `node`; as a number, so that Kubernetes can see that it is not root.
USER 1000:1000
WORKDIR /site
ENV CODA_STATE_DIR=/var/lib/coda-node NODE_ENV=production
VOLUME /var/lib/coda-node
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.CODA_PORT || 8080}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["coda"]
CMD ["start"]
