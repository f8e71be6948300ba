FROM nvidia/cuda:13.0.1-cudnn-devel-ubuntu24.04
COPY --from=node:22-bookworm-slim /usr/local/ /usr/local/
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
RUN npm install --no-save "@mlx-js/linux-x64-cuda13@$(node -p "require('mlx-js/package.json').version")"
COPY . .
CMD ["node", "main.js"]
